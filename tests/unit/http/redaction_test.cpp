#include "http/redaction.h"

#include <doctest/doctest.h>

#include <string>

using namespace postern::http;

namespace {

std::string hide(std::string_view target) { return redact_target(target, usual_secret_names()); }
std::string hide_url(std::string_view url) { return redact_url(url, usual_secret_names()); }

}  // namespace

TEST_CASE("redaction: the values of named parameters are hidden however they are written") {
  const std::vector<std::string> names = {"ticket", "api_key"};
  CHECK(redact_target("/ws?ticket=secret&x=1", names) == "/ws?ticket=***&x=1");
  CHECK(redact_target("/ws?x=1&TICKET=secret", names) == "/ws?x=1&TICKET=***");
  CHECK(redact_target("/ws?ti%63ket=secret", names) == "/ws?ti%63ket=***");
  CHECK(redact_target("/ws?x=1;ticket=secret;more&y", names) == "/ws?x=1;ticket=***&y");
  CHECK(redact_target("/ws?ticket=a&ticket=b&api_key=", names) == "/ws?ticket=***&ticket=***&api_key=***");
  CHECK(redact_target("/ws?ticket[]=a&ticket%5B0%5D=b", names) == "/ws?ticket[]=***&ticket%5B0%5D=***");
  CHECK(redact_target("/ws?myticket=a&ticket", names) == "/ws?myticket=a&ticket");
  CHECK(redact_target("/ticket=a", names) == "/ticket=a");
  CHECK(redact_target("/a?", names) == "/a?");
}

TEST_CASE("redaction: a part of a name is a name") {
  CHECK(hide("/?user[password]=x") == "/?user[password]=***");
  CHECK(hide("/?user%5Bpwd%5D=x") == "/?user%5Bpwd%5D=***");
  CHECK(hide("/?user%255Bpwd%255D=x") == "/?user%255Bpwd%255D=***");
  CHECK(hide("/?user.password=x") == "/?user.password=***");
  CHECK(hide("/?user.code=x&a.b=c") == "/?user.code=***&a.b=c");
  CHECK(hide("/?+token=x") == "/?+token=***");
  CHECK(hide("/?%20key=x") == "/?%20key=***");
  CHECK(hide("/?list[0][sig]=x") == "/?list[0][sig]=***");
}

TEST_CASE("redaction: words that stand for secrets alone are found inside names") {
  for (const char* name : {"client_secret",
                           "clientSecret",
                           "passwd",
                           "pwd",
                           "sig",
                           "X-Amz-Signature",
                           "X-Amz-Security-Token",
                           "X-Amz-Credential",
                           "X-Goog-Signature",
                           "x-goog-credential",
                           "access_token",
                           "id_token",
                           "refresh_token",
                           "csrfToken",
                           "mytoken",
                           "token2",
                           "password_confirmation",
                           "new-password",
                           "client_assertion",
                           "SAMLResponse",
                           "Authorization",
                           "private_key"}) {
    CAPTURE(name);
    CHECK(hide("/a?" + std::string(name) + "=x&b=c") == "/a?" + std::string(name) + "=***&b=c");
  }
  for (const char* name :
       {"max_tokens", "keyboard", "design", "passenger", "postcode", "author", "pwdx", "sid"}) {
    CAPTURE(name);
    CHECK(hide("/a?" + std::string(name) + "=x") == "/a?" + std::string(name) + "=x");
  }
}

TEST_CASE("redaction: parameters of the path") {
  CHECK(hide("/a;token=x/b;c=d?e=f") == "/a;token=***/b;c=d?e=f");
  CHECK(hide("/a;b;pwd=x;y?token=z") == "/a;b;pwd=***?token=***");
  CHECK(hide("/a;b/c") == "/a;b/c");
  CHECK(hide("/a;") == "/a;");
  CHECK(hide("/token=x;a=b") == "/token=x;a=b");
}

TEST_CASE("redaction: nobody sees the password of a URL") {
  CHECK(hide_url("http://user:hunter2@host:80") == "http://***@host:80");
  CHECK(hide_url("https://hunter2@host/path") == "https://***@host/path");
  CHECK(hide_url("http://user:hun/ter2@host") == "http://***@host");
  CHECK(hide_url("http://user:hun#t@er2@host") == "http://***@host");
  CHECK(hide_url("user:hunter2@host:3000") == "***@host:3000");
  CHECK(hide_url("redis://:hunter2@host") == "redis://***@host");
  CHECK(hide_url("http://host/?token=hunter2&a=b") == "http://host/?token=***&a=b");
  CHECK(hide_url("http://u:p@host/?token=hunter2") == "http://***@host/?token=***");
  for (const char* text : {"http://host:3000", "http://[::1]:3000/a@b", "http://host/@scope/name",
                           "localhost:3000", "unix:/run/a@b.sock", "me@example.com", ":8080", "", "*:80"}) {
    CAPTURE(text);
    CHECK(hide_url(text) == text);
  }
}
