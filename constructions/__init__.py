"""Networks with exact weights that memorize a data set robustly, one file per theorem."""
