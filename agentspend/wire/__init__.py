"""The bytes both ends agree on: canonical JSON, ledger entries, their chain and signatures.

Pure: nothing here does I/O, reads a clock or knows where a key is kept.
"""
