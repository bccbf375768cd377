"""What everything stands on: the dtypes, half precision, tables that are kept, windows that fit, and NumPy
without its warnings."""

from .apart import imported

imported("numpy")
