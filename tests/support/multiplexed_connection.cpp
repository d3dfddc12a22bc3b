#include "support/multiplexed_connection.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace postern::support {

// Keeps a connection during a call of its transport. Where nobody else has it any more, it is freed when the
// transport is not on the stack.
class MultiplexedConnection::Alive {
 public:
  explicit Alive(MultiplexedConnection& connection) : connection_(connection.shared_from_this()) {}
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() {
    if (connection_.use_count() > 1) return;
    base::Graveyard& graveyard = connection_->turns_.turn.graveyard;
    graveyard.bury(std::make_unique<std::shared_ptr<MultiplexedConnection>>(std::move(connection_)));
  }

 private:
  std::shared_ptr<MultiplexedConnection> connection_;
};

Line::Line(std::shared_ptr<MultiplexedConnection> connection, uint32_t number, User& user)
    : connection_(std::move(connection)), number_(number), user_(&user) {
  connection_->lines_[number_] = this;
}

Line::~Line() { connection_->lines_.erase(number_); }

void Line::set_tunnel(User& user) {
  user_ = &user;
  tunnel_ = true;
}

void Line::send(FrameType type, std::string_view payload) { connection_->send(type, number_, payload); }

size_t Line::room() const {
  if (!connection_->has_room()) return 0;
  return connection_->window_ - std::min(outstanding(), connection_->window_);
}

void Line::send_data(base::Bytes bytes) {
  sent_ += bytes.size();
  for (size_t at = 0; at < bytes.size(); at += frame_payload_max) {
    const base::Bytes part = bytes.subspan(at, std::min(frame_payload_max, bytes.size() - at));
    send(FrameType::data, base::text_of(part));
  }
}

void Line::credit(size_t count) {
  if (!held_) grant(count);
}

bool Line::release(uint64_t count) {
  if (count <= granted_) return false;
  grant(count - granted_);
  return true;
}

void Line::grant(size_t count) {
  if (count == 0) return;
  granted_ += count;
  send(FrameType::window, write_number(count));
}

size_t MultiplexedConnection::tunnel_count() const {
  return static_cast<size_t>(
      std::count_if(lines_.begin(), lines_.end(), [](const auto& one) { return one.second->tunnel_; }));
}

void MultiplexedConnection::start(Owner& owner) {
  owner_ = &owner;
  transport_->start(*this);
}

void MultiplexedConnection::send(FrameType type, uint32_t stream, std::string_view payload) {
  if (!over_) transport_->write(base::Chunk::copy_of(frame_text(type, stream, payload)));
}

void MultiplexedConnection::on_bytes(base::Bytes bytes) {
  const Alive alive(*this);
  reader_.feed(bytes);
  while (const std::optional<Frame> frame = reader_.next()) {
    if (frame->type == FrameType::drain) {
      if (owner_) owner_->on_drain();
      continue;
    }
    const auto found = lines_.find(frame->stream);
    if (found == lines_.end()) {
      if (owner_) owner_->on_unknown(*frame);
      continue;
    }
    Line& line = *found->second;
    if (frame->type != FrameType::window) {
      line.user_->on_frame(*frame);
      continue;
    }
    line.taken_ += read_number(frame->payload);
    line.user_->on_writable();
  }
}

// A user may close its own line, or another one, in the call.
template <class Call>
void MultiplexedConnection::each_user(Call&& call) {
  const Alive alive(*this);
  std::vector<uint32_t> numbers;
  for (const auto& [number, line] : lines_) numbers.push_back(number);
  for (const uint32_t number : numbers)
    if (const auto found = lines_.find(number); found != lines_.end()) call(*found->second->user_);
}

void MultiplexedConnection::on_sent() {
  each_user([](Line::User& user) { user.on_all_sent(); });
  if (owner_) owner_->on_all_sent();
}

void MultiplexedConnection::on_end() {
  const Alive alive(*this);
  each_user([](Line::User& user) { user.on_half_closed(); });
  if (owner_) owner_->on_half_closed();
}

void MultiplexedConnection::on_closed(base::Error) {
  const Alive alive(*this);
  over_ = true;
  each_user([](Line::User& user) { user.on_lost(); });
  if (owner_) owner_->on_lost();
}

void MultiplexedConnection::flush() {
  each_user([](Line::User& user) { user.on_writable(); });
}

}  // namespace postern::support
