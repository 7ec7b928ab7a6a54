"""Exports and frames over the workers of a Dask cluster: what one process does with one file, many do with a folder.

plan.py        a list cut into partitions, and the plan as it is kept; pure
report.py      what was written, of one partition and of all; pure
job.py         what all tasks of an export are told: names and plain values, and nothing that is secret
folder.py      the files of a data set, in a local folder or in a store of objects
extra.py       what the extra `dask` brings, imported when it is needed
worker.py      one session for each worker
planning.py    the task that makes the plan
partition.py   the tasks that write a partition, and that look at one
submission.py  tasks handed to a cluster, again where workers died, and their results
run.py         `export`: the steps of an export, from the caller's side
frames.py      `read`: a frame whose partitions are read when they are computed

Dask runs a task at least once, and sometimes twice at the same time. That each record is written exactly once is made
here: ranges that are fixed before the first task starts, one fixed name for each, files that appear whole, and a
manifest behind each. Whatever has no manifest is not there.

The caller's side sends nothing to the service and knows no secret. Every request, those for the plan too, is a
worker's.
"""
