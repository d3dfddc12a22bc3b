# Puts page.html into the binary.
#
#   include(demo/embed.cmake)
#   embed_demo_page(postern_demo)
#
# adds to the target a generated source that defines postern::demo::page() (demo/page.h). The same file, run as a
# script with -P, is what generates it: INPUT, OUTPUT.

if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${INPUT} page)
  string(FIND "${page}" ")page\"" delimiter)
  if(NOT delimiter EQUAL -1)
    message(FATAL_ERROR "${INPUT} holds the delimiter of the literal it is to become")
  endif()
  file(WRITE ${OUTPUT} "// Generated from demo/page.html.
#include \"demo/page.h\"

namespace postern::demo {
namespace {

constexpr char document[] = R\"page(${page})page\";

}  // namespace

std::string_view page() { return {document, sizeof(document) - 1}; }

}  // namespace postern::demo
")
  return()
endif()

set(POSTERN_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
set(POSTERN_DEMO_FOLDER ${CMAKE_CURRENT_LIST_DIR})

function(embed_demo_page target)
  set(page ${POSTERN_DEMO_FOLDER}/page.html)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/demo_page.cpp)
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${page} -DOUTPUT=${generated} -P ${POSTERN_EMBED_SCRIPT}
    DEPENDS ${page} ${POSTERN_EMBED_SCRIPT}
    COMMENT "Embedding demo/page.html"
    VERBATIM)
  target_sources(${target} PRIVATE ${generated})
endfunction()
