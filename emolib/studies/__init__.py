"""One module per notebook: which runs make which table. No drawing and no file writing here."""
