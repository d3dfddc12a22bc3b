// The command line: runs a command and returns the exit status (0: success, 1: problems or failure, 2: wrong
// usage or unreadable file).
#pragma once

namespace postern::app {

int run_command_line(int argument_count, char** arguments);

}  // namespace postern::app
