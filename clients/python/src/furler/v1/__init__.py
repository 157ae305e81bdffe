"""Stubs of the furler.v1 API, generated from proto/ by `make proto`; not written by hand."""
