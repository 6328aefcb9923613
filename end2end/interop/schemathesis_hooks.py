"""Writes whole numbers of bodies without a fraction.

JSON Schema counts 9990.0 as an integer, and schemathesis sends it. Our API takes money in whole fen and refuses every float,
on purpose: a program that sends 9990.0 counts money in floats. No schema can say that, so this one spelling is left out.
"""

import schemathesis


def whole(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return value


@schemathesis.hook
def map_body(context, body):
    return whole(body)
