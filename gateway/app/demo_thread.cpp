#include "app/demo_thread.h"

#include <random>

#include "demo/demo_application.h"

namespace postern::app {
namespace {

// A secret for tokens when no route requires one.
std::string random_secret() {
  std::random_device random;
  std::string secret;
  for (int i = 0; i < 8; ++i) secret += std::to_string(random());
  return secret;
}

}  // namespace

tl::expected<std::unique_ptr<DemoThread>, std::string> DemoThread::start(const config::Document& document) {
  auto socket = net::listen_on({base::IpAddress::v4({127, 0, 0, 1}), 0});
  if (!socket) return tl::unexpected("the demonstration: " + socket.error());
  std::string secret;
  for (const config::JwtDocument& jwt : document.jwt)
    if (secret.empty()) secret = jwt.secret;
  if (secret.empty()) secret = random_secret();
  std::unique_ptr<DemoThread> demo(new DemoThread);
  demo->port_ = socket->address.port;
  demo->loop_ = std::make_unique<net::Loop>();
  net::Loop& loop = *demo->loop_;
  demo->mailbox_ = std::make_unique<net::Mailbox<Stop>>(loop, [&loop](Stop) { loop.stop(); });
  demo->thread_ = std::thread([self = demo.get(), moved = std::move(*socket), secret]() mutable {
    self->run(std::move(moved), secret);
  });
  return demo;
}

void DemoThread::run(net::ListeningSocket socket, std::string secret) {
  demo::DemoApplication application(*loop_, std::move(socket), std::move(secret));
  loop_->run();
}

DemoThread::~DemoThread() {
  mailbox_->post(Stop{});
  thread_.join();
  mailbox_.reset();
}

}  // namespace postern::app
