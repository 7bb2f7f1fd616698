//! Assets from their upload to their end: the use cases over the memory log and real files, with engines that do as
//! they are told. The program dies between any two steps of handing in and of erasing.

mod check;
mod erase;
mod house;
mod import;
mod ports;
