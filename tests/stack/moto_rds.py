"""moto's server with databases that are on this machine: its own addresses lead nowhere.

Run as a program, with moto.server's arguments. What is called writer… is at localhost, what is called
reader… at 127.0.0.1; all else is moto's: the answers, the tags of managed secrets, the signatures.
"""

from __future__ import annotations

from moto.rds import models
from moto.server import main

HERE = {"writer": "localhost", "reader": "127.0.0.1"}


def placed(name: str, otherwise: property) -> property:
    """The property, but for those whose name begins as one of ours."""
    def address(self: object) -> str:
        own = str(getattr(self, name))
        return next((host for begin, host in HERE.items() if own.startswith(begin)),
                    otherwise.fget(self))
    return property(address)


def reader_endpoint(self: models.DBCluster) -> str:
    return HERE["reader"]


if __name__ == "__main__":
    models.DBInstance.address = placed("db_instance_identifier", models.DBInstance.address)
    models.DBCluster.endpoint = placed("db_cluster_identifier", models.DBCluster.endpoint)
    models.DBCluster.reader_endpoint = property(reader_endpoint)
    main()
