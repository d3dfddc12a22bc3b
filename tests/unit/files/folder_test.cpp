#include "files/folder.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>

#include "unit/files/support.h"

using namespace postern::files;
using postern::files_test::Tree;

namespace {

std::string text_of(const OpenFile& file) {
  std::string text(file.size, '\0');
  const int64_t got = file.read_at(0, reinterpret_cast<std::byte*>(text.data()), text.size());
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

}  // namespace

TEST_CASE("folder: a file below it is opened, with what is true of it") {
  Tree tree;
  tree.write("a/b.txt", "some text", 1'700'000'001);
  const auto file = open_below(tree.root(), "a/b.txt");
  REQUIRE(file.has_value());
  CHECK(file->open());
  CHECK(file->regular);
  CHECK_FALSE(file->directory);
  CHECK(file->size == 9);
  CHECK(file->modified() == 1'700'000'001);
  CHECK(text_of(*file) == "some text");
  std::byte bytes[4];
  CHECK(file->read_at(7, bytes, 4) == 2);
  CHECK(file->read_at(9, bytes, 4) == 0);
  const auto folder = open_below(tree.root(), "a");
  REQUIRE(folder.has_value());
  CHECK(folder->directory);
  CHECK_FALSE(folder->regular);
  CHECK(folder->read_at(0, bytes, 4) == -1);
}

TEST_CASE("folder: what is not there says so") {
  Tree tree;
  tree.write("a.txt", "x");
  CHECK(open_below(tree.root(), "b.txt").error() == ENOENT);
  CHECK(open_below(tree.root(), "a.txt/b").error() == ENOTDIR);
  CHECK(open_below(tree.root(), std::string(5000, 'x')).error() == ENAMETOOLONG);
  CHECK(open_below(tree.path("none"), "a.txt").error() == ENOENT);
  CHECK(open_below(tree.path("a.txt"), "a.txt").error() == ENOTDIR);
}

TEST_CASE("folder: nothing outside of it can be named, by dots or by links") {
  Tree tree;
  tree.write("in/file", "inside");
  std::ofstream(tree.beside("secret")) << "secret";
  CHECK(open_below(tree.root(), "../secret").error() == EXDEV);
  CHECK(open_below(tree.root(), "in/../../secret").error() == EXDEV);
  CHECK(open_below(tree.root(), tree.beside("secret")).error() == EXDEV);  // an absolute path
  tree.link("absolute", tree.beside("secret"));
  tree.link("relative", "../secret");
  tree.link("up", "..");
  tree.link("process", "/proc/self/root");
  tree.link("loop", "loop");
  CHECK(open_below(tree.root(), "absolute").error() == EXDEV);
  CHECK(open_below(tree.root(), "relative").error() == EXDEV);
  CHECK(open_below(tree.root(), "up/secret").error() == EXDEV);
  CHECK(open_below(tree.root(), "process/etc/passwd").error() == EXDEV);
  CHECK(open_below(tree.root(), "loop").error() == ELOOP);
  tree.link("fine", "in/file");
  tree.link("in/also", "../in");
  CHECK(text_of(*open_below(tree.root(), "fine")) == "inside");
  CHECK(text_of(*open_below(tree.root(), "in/also/file")) == "inside");
}

TEST_CASE("folder: the folder itself may be a link, and be replaced") {
  Tree tree;
  tree.write("one/a", "first");
  tree.write("two/a", "second");
  tree.link("current", "one");
  CHECK(text_of(*open_below(tree.path("current"), "a")) == "first");
  std::filesystem::remove(tree.path("current"));
  tree.link("current", "two");
  CHECK(text_of(*open_below(tree.path("current"), "a")) == "second");
}

TEST_CASE("folder: a FIFO is neither waited for nor taken for a file") {
  Tree tree;
  tree.write("a", "x");
  REQUIRE(mkfifo(tree.path("pipe").c_str(), 0600) == 0);
  const auto pipe = open_below(tree.root(), "pipe");
  REQUIRE(pipe.has_value());
  CHECK_FALSE(pipe->regular);
  CHECK_FALSE(pipe->directory);
}

TEST_CASE("folder: step by step finds the same files, and follows no link") {
  Tree tree;
  tree.write("a/b/c.txt", "deep");
  tree.write("top.txt", "top");
  tree.link("link.txt", "top.txt");
  tree.link("folder", "a");
  const auto root = open_folder(tree.root());
  REQUIRE(root.has_value());
  CHECK(text_of(*open_by_steps(*root, "a/b/c.txt")) == "deep");
  CHECK(text_of(*open_by_steps(*root, "top.txt")) == "top");
  CHECK(open_by_steps(*root, "a/b")->directory);
  CHECK(open_by_steps(*root, "none").error() == ENOENT);
  CHECK(open_by_steps(*root, "top.txt/x").error() == ENOTDIR);
  CHECK(open_by_steps(*root, "link.txt").error() == ELOOP);
  CHECK_FALSE(open_by_steps(*root, "folder/b/c.txt").has_value());
}

TEST_CASE("folder: a file that is moved closes once") {
  Tree tree;
  tree.write("a", "text");
  auto file = open_below(tree.root(), "a");
  const int descriptor = file->descriptor();
  {
    OpenFile moved = std::move(*file);
    CHECK_FALSE(file->open());
    CHECK(moved.descriptor() == descriptor);
    CHECK(text_of(moved) == "text");
    OpenFile other;
    other = std::move(moved);
    CHECK(text_of(other) == "text");
  }
  CHECK(fcntl(descriptor, F_GETFD) == -1);
}
