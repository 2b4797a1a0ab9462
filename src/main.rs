//! The `bidhub` program.

fn main() {}
