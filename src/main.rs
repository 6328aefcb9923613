//! The program. All of it is in the library: what is called from here would be compiled a second time.

use std::process::ExitCode;

fn main() -> ExitCode {
    tongqian::command_line::run()
}
