//! Rebuilds when a migration or a page changes: both are compiled into the program.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=static");
}
