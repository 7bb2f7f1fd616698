#[path="../tests/tunes/mod.rs"] mod tunes;
fn main(){ for n in tunes::ALL { tunes::write(std::path::Path::new(&format!("/tmp/ps/n_{}.wav",n.replace(' ',""))),&tunes::tune(n,30.0)); } }
