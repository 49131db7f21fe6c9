"""Steps of the journal's schema: NNNN_what.sql brings a file from version NNNN - 1; none is ever changed again."""
