"""Export: every record of a type in one file, exactly once, whatever ends the process meanwhile.

    run          `export`: the scan, page by page, into the file
    plan         what is asked for, checked before anything happens; what makes two exports the same
    records      from a page's bytes to one document a record
    columns      which cells a record has in a table, and of which kinds
    formats      JSON lines, CSV, and the rows that become Parquet
    parquet      from rows to a Parquet file; needs the extra `parquet`
    checkpoint   how far an export is, as a text that tells whether it was tampered with
    manifest     what was exported: the file's companion, and what the caller gets
    target       the file, its part and its checkpoint: locked, durable, published whole
    storage      single steps on disk, and what their failures mean

What is written first reaches the disk, then the checkpoint that counts it, then the file its name. So whenever the
process or the machine stops, the checkpoint tells how much of the part is whole; the rest is cut off, and the scan goes
on after the last record counted.
"""

from .manifest import Exported, ExportProgress
from .run import export

__all__ = ["ExportProgress", "Exported", "export"]
