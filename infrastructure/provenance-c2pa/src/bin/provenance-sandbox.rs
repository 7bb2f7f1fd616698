//! The sandbox as a program of its own, for the tests: the product calls the same function from a
//! hidden subcommand of its binary. Deliberately without any argument.

fn main() {
    std::process::exit(provenance_c2pa::sandbox_main(std::io::stdin().lock(), std::io::stdout().lock()));
}
