"""Mutation testing of what must not break: gate, writer, audit chain (`./rheostat mutate`)."""
