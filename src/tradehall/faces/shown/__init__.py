"""What more than one door shows of the same record: its body, and how it is made of the record.

A door whose contract says more has a body of its own, made of the one here.
"""
