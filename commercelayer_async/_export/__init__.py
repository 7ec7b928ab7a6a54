"""Export: every record of a type in one file, exactly once, and resumable after whatever stopped the process.

    run          `export`: scans page by page, and writes each page to the target
    plan         the arguments, checked before any request; and the description that tells one export from another
    pages        the pages of an export: read with one principal's token alone, and made lines of
    provenance   which world the records of a page are from, by their own meta
    records      the bytes of a page, as one raw record for each resource object
    fitting      how many records do not fit their classes
    cells        the types of cells, by annotations, and which values fit them
    columns      the columns of a table, and the cells of a record in them
    formats      records as JSON lines, as CSV, and as the rows that become Parquet
    encoding     lines as they are, or compressed by gzip
    parquet      rows as a Parquet file; needs the extra `parquet`
    stream       an export into a stream, such as stdout: nothing of it is kept
    target       the files of one export: locked, synced, published when they are complete
    part         the file of the data so far: locked, hashed, and never longer than what counts
    checkpoint   how far an export is, as text with a checksum
    manifest     what was exported: the file beside the data, and the value that the caller gets
    description  what tells one export from another, compared
    hashing      the length and the hash of files
    storage      single steps on disk, and the errors for their failures

What runs when: `run` makes a plan, learns whom the session's token speaks for, and opens the target, which begins anew
or resumes. Then, for each page: `provenance` compares where it is from, `records` takes it apart, `formats` makes lines
of it, the target appends them. Twice a second, and at the end, the target syncs the data and saves a checkpoint. At
last the target compares the file with what was written, publishes it under its name and writes the manifest. `stream`
hands the same lines to a function instead.

The order of writes makes an export safe to interrupt anywhere: first the data reach the disk, then the checkpoint that
counts them, then the file gets its name. After a crash, the checkpoint says how many bytes of the data count; the rest
is cut off, and the scan continues after the last record that counts.
"""

from .manifest import Exported, ExportProgress
from .run import export

__all__ = ["ExportProgress", "Exported", "export"]
