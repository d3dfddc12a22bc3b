#include "app/cli.h"

int main(int argument_count, char** arguments) {
  return postern::app::run_command_line(argument_count, arguments);
}
