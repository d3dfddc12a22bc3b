#include "net/port_owner.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/ascii.h"

namespace postern::net {
namespace {

namespace fs = std::filesystem;

constexpr size_t longest_name = 64;

// The inodes of the sockets that listen on `port`: the fourth field is 0A, the second is "ADDRESS:PORT" in
// hexadecimal digits.
std::set<std::string> listening_inodes(uint16_t port) {
  std::set<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);  // skips the column names
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::array<std::string, 10>
          fields;  // slot, local, remote, state, queues, timer, retries, uid, timeout, inode
      for (std::string& field : fields) words >> field;
      const size_t colon = fields[1].rfind(':');
      if (fields[3] != "0A" || colon == std::string::npos) continue;
      try {
        if (std::stoul(fields[1].substr(colon + 1), nullptr, 16) == port) inodes.insert(fields[9]);
      } catch (const std::exception&) {  // a kernel with another format
        continue;
      }
    }
  }
  return inodes;
}

bool holds_one_of(const fs::path& process, const std::set<std::string>& inodes) {
  constexpr std::string_view prefix = "socket:[";
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(entry->path(), gone).string();
    if (gone || !target.starts_with(prefix)) continue;
    if (inodes.contains(target.substr(prefix.size(), target.size() - prefix.size() - 1))) return true;
  }
  return false;
}

std::string name_of(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  name.resize(std::min(name.size(), longest_name));
  for (char& letter : name)
    if (letter < ' ' || letter > '~') letter = '?';
  return name;
}

}  // namespace

std::optional<PortOwner> find_port_owner(uint16_t port) {
  const std::set<std::string> inodes = listening_inodes(port);
  if (inodes.empty()) return std::nullopt;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const auto pid = base::parse_decimal(entry->path().filename().string());
    if (!pid || *pid == static_cast<uint64_t>(getpid()) || !holds_one_of(entry->path(), inodes)) continue;
    return PortOwner{static_cast<int>(*pid), name_of(entry->path())};
  }
  if (holds_one_of("/proc/self", inodes)) return PortOwner{getpid(), name_of("/proc/self")};
  return std::nullopt;
}

}  // namespace postern::net
