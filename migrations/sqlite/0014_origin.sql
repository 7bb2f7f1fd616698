-- Whether what is in a file was copied from elsewhere and has not been used since; a copy may then be made anew. In the
-- files of credentials and of deliveries.

CREATE TABLE origin (
    only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
    is_copied INTEGER NOT NULL CHECK (is_copied IN (0, 1))
) STRICT;

INSERT INTO origin (only_row, is_copied) VALUES (1, 0);
