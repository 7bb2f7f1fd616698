//! Bad configuration is told in one sentence.
