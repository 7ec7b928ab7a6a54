"""Every wallet over the workers of a cluster, and then as a table: `python many_machines.py FOLDER`.

The workers find the organization and the credentials in their environment, as `Session.from_env()` says.
"""

import sys

import dask.dataframe as dd
from distributed import Client, LocalCluster

from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import CustomerPaymentSource


def main(folder: str) -> None:
    """Export, and look at what came."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        report = cl_dask.export(
            client, CustomerPaymentSource, folder, include=["customer"], rows_per_partition=50, resume=True
        )
        print(f"{report.records} wallets in {len(report.partitions)} files")
        print(*report.differences, sep="\n", end="")

        wallets = dd.read_parquet(report.data)
        print(wallets.groupby("customer.status").size().compute().to_dict())


if __name__ == "__main__":
    main(sys.argv[1])
