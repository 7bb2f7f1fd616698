//! Nothing: the tests of the whole are in `it`, those of the finished program in `e2e`.
