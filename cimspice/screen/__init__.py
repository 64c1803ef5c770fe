"""What commands print with: tables, progress, failures, folders of results."""
