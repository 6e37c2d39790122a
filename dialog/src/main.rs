//! The binary `qingting`.

fn main() -> std::process::ExitCode {
    dialog::command::main()
}
