// The command line: what each command does, and the status it ends with (0 good, 1 problems or failed,
// 2 wrong usage or unreadable file).
#pragma once

namespace postern::app {

int run_command_line(int argument_count, char** arguments);

}  // namespace postern::app
