"""What everything stands on: the dtypes, half precision, tables that are kept, and NumPy without its warnings."""
