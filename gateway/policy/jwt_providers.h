// The providers whose tokens a route accepts. One is enough: the token of a request is judged by those
// providers that look for their tokens in its place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/awaited.h"
#include "policy/jwt_source.h"
#include "policy/jwt_verifier.h"
#include "state/key_store.h"

namespace postern::policy {

struct JwtProvider {
  std::string name;  // as in the jwt section
  std::shared_ptr<const JwtVerifier> verifier;
  size_t keys = 0;  // index into state::Names::keys
  std::vector<JwtSource> sources = {JwtSource{}};
  bool renewable = false;  // a newer token of a session may take the place of an older one on what is open
};

// Waits where a further fetch of `keys` can change why a token was refused. Returns null where it cannot;
// then `error` says in the end why the token is refused. The caller is asked again when what it waits for has
// come, and finds it in context.awaited.
std::unique_ptr<Awaited> wait_for_keys(const state::LiveKeys& keys, RequestContext& context,
                                       TokenError& error);

class JwtProviders {
 public:
  // The exchange allows each of them to make a request wait twice.
  static constexpr size_t most = 8;

  // What becomes of a request. Without a provider it has no token; otherwise one of the other three is there.
  struct Outcome {
    const JwtProvider* provider = nullptr;         // the one that has decided, or whose keys are awaited
    std::shared_ptr<const VerifiedToken> token{};  // it is valid
    std::unique_ptr<Awaited> awaited{};            // the keys of a provider can change the result
    std::unique_ptr<TokenError> refusal{};
    // Beside a refusal: a provider has nothing against a token of the request but that it is expired.
    struct Expired {
      const JwtProvider* provider;
      const JwtSource* source;
      std::shared_ptr<const VerifiedToken> token;
    };
    std::optional<Expired> expired{};
  };

  // 1 to `most` providers.
  explicit JwtProviders(std::vector<JwtProvider> providers);

  const JwtProvider& first() const { return providers_.front(); }
  // Every place in which a provider looks for its tokens, once, in their order.
  const std::vector<JwtSource>& sources() const { return sources_; }

  // Finds the token and has it judged. A provider judges the token of the first of its places that has one,
  // and no other. `found` says where the token is that decided.
  //
  // Where keys are fetched, the request waits if there are none yet, or if its token names an unknown key,
  // and only if nothing else speaks against the token. When several refuse it, the refusal is that of the
  // provider that came furthest with its checks, and the detail has the words of all.
  Outcome judge(RequestContext& context, FoundToken& found) const;

  // The same for one token and one provider, which is one of those that judge() has named.
  Outcome judge_by(const JwtProvider& provider, std::string_view token, RequestContext& context) const;

  // Returns a token that stands in sources()[place] if one of the providers that look there accepts it at
  // once.
  std::shared_ptr<const VerifiedToken> accept(size_t place, std::string_view token,
                                              RequestContext& context) const;

 private:
  struct Refused {
    size_t provider = 0;
    TokenError error;
    const JwtSource* source = nullptr;  // where the token is
  };

  Outcome ask(uint32_t providers, std::string_view token, RequestContext& context,
              std::vector<Refused>& refused) const;
  Outcome refuse(size_t provider, base::Cause cause, std::string detail) const;
  const state::LiveKeys& keys_of(size_t provider, const RequestContext& context) const;
  Outcome settle(std::vector<Refused> refused, RequestContext& context) const;
  std::string worded(const std::vector<Refused>& refused) const;

  std::vector<JwtProvider> providers_;
  std::vector<JwtSource> sources_;
  std::vector<uint32_t> looking_;  // for each source: the providers that look there, as bits
};

}  // namespace postern::policy
