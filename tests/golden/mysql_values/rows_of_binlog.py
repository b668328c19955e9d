#!/usr/bin/env python3
"""Prints the TABLE_MAP and rows events of a binlog file with CRC32, one a line: name and body in hex.

The .rows files beside it: run types.sql and mysql.sql (or mariadb.sql) with the client's character
set utf8mb4 against a server with binlog_row_metadata=FULL, then this on its binlog file.
"""
import struct
import sys

NAMES = {19: "table", 23: "write1", 24: "update1", 25: "delete1",
         30: "write", 31: "update", 32: "delete", 39: "partial"}

binlog = open(sys.argv[1], "rb").read()
at = 4
while at < len(binlog):
    _, kind, _, length, _, _ = struct.unpack("<IBIIIH", binlog[at:at + 19])
    if kind in NAMES:
        print(NAMES[kind], binlog[at + 19:at + length - 4].hex())
    at += length
