//! Assets from their upload to their end: the use cases over the memory log and real files, with engines that do as
//! they are told. The program dies between any two steps of handing in and of erasing.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod check;
mod erase;
mod house;
mod import;
mod ports;
