// The one main of all doctest binaries. doctest's own turns a failed check into the exit code.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
