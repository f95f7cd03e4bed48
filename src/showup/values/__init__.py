"""Values that many packages read and check: addresses, domains, durations, times of day, time zones. Pure.

Each module has the parser of one value and a type for fields. msgspec reads the `Meta` of that type, and Pydantic its
validators, so a Struct, an API body and showup.toml accept the same values.
"""
