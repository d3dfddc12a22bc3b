import tempfile
import unittest

import support

check_layers = support.load("check_layers")


class CheckLayers(unittest.TestCase):
    def problems(self, files):
        with tempfile.TemporaryDirectory() as root:
            support.write_tree(root, files)
            return check_layers.check(root)

    def assert_refused(self, file, include, words):
        found = self.problems({file: f"#pragma once\n#include {include}\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{file}:2: ", found[0])
        self.assertIn(words, found[0])

    def assert_accepted(self, file, include):
        self.assertEqual(self.problems({file: f"#include {include}\n"}), [])

    def test_a_room_may_include_its_own_files_and_rows_below(self):
        self.assert_accepted("gateway/proxy/exchange.cpp", '"proxy/exchange.h"')
        self.assert_accepted("gateway/proxy/exchange.cpp", '"base/task.h"')
        self.assert_accepted("gateway/http1/parser.cpp", '"http/head.h"')
        self.assert_accepted("gateway/app/main.cpp", '"config/document.h"')

    def test_a_room_above_is_refused(self):
        self.assert_refused("gateway/base/task.h", '"net/loop.h"', "base (layer 0) must not know net (layer 2)")
        self.assert_refused("gateway/policy/cors.cpp", '"config/document.h"', "must not know config")

    def test_rooms_of_one_row_do_not_know_each_other(self):
        self.assert_refused("gateway/policy/jwt.cpp", '"upstream/group.h"', "share layer 6")
        self.assert_refused("gateway/crypto/hmac.cpp", '"telemetry/log.h"', "share layer 1")
        self.assert_refused("gateway/http1/parser.cpp", '"websocket/close_code.h"', "share layer 4")

    def test_an_include_without_its_room_is_refused(self):
        self.assert_refused("gateway/net/loop.cpp", '"loop.h"', 'write "net/loop.h"')

    def test_an_unknown_room_is_refused(self):
        self.assert_refused("gateway/net/loop.cpp", '"util/strings.h"', "names no module")

    def test_a_file_outside_the_rooms_is_refused(self):
        self.assertIn("no module", self.problems({"gateway/util/strings.h": "#pragma once\n"})[0])
        self.assertIn("no module", self.problems({"gateway/strings.h": "#pragma once\n"})[0])
        self.assertIn("no module", self.problems({"gateway/net/inner/strings.h": "#pragma once\n"})[0])

    def test_outside_libraries_stay_in_their_homes(self):
        homes = [
            ("<uv.h>", "net/loop.h", "app/worker.h"),
            ("<openssl/ssl.h>", "net/tls_context.h", "crypto/digest.cpp"),
            ("<openssl/err.h>", "crypto/signature.cpp", "policy/jwt.cpp"),
            ("<openssl/evp.h>", "crypto/digest.cpp", "policy/jwt.cpp"),
            ("<wslay/wslay.h>", "websocket/frame_codec.cpp", "tunnel/tunnel.cpp"),
            ("<yaml-cpp/yaml.h>", "config/yaml_reader.cpp", "config/decode_route.cpp"),
            ("<re2/re2.h>", "policy/origin.h", "routing/table.cpp"),
            ("<CLI/CLI.hpp>", "app/cli.cpp", "config/reference.cpp"),
            ("<nlohmann/json.hpp>", "base/json.h", "state/key_set.cpp"),
        ]
        for include, home, stranger in homes:
            with self.subTest(include=include):
                self.assert_accepted(f"gateway/{home}", include)
                self.assert_refused(f"gateway/{stranger}", include, "belongs to")

    def test_above_its_layer_a_wire_protocol_is_named_in_its_places_only(self):
        for file in ["server/http1_service.h", "upstream/connector.cpp", "admin/admin_connection.h", "demo/options.h"]:
            self.assert_accepted(f"gateway/{file}", '"http1/server_connection.h"')
        for file in ["proxy/exchange.h", "server/client_connection.h", "upstream/lease.h", "app/worker.cpp"]:
            self.assert_refused(f"gateway/{file}", '"http1/server_connection.h"', "use http/stream.h")
        self.assertEqual(self.problems({"gateway/server/drain.h": "// As in http1::Parser.\nauto a = \"http1::x\";\n"}), [])
        found = self.problems({"gateway/server/drain.h": "#pragma once\n/* a\n b */ http1::Parser parser;\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn("gateway/server/drain.h:3: \"http1::Parser\"", found[0])
        self.assertEqual(self.problems({"gateway/http1/parser.h": "http1::Parser parser;\n"}), [])

    def test_a_library_in_quotes_or_with_spaces_is_seen(self):
        self.assert_refused("gateway/app/worker.h", '"uv.h"', "belongs to net only")
        found = self.problems({"gateway/app/worker.h": "#  include   <uv.h>\n"})
        self.assertEqual(len(found), 1)

    def test_system_headers_are_free(self):
        self.assert_accepted("gateway/base/chunk.h", "<vector>")
        self.assert_accepted("gateway/net/tcp_transport.cpp", "<sys/socket.h>")

    def test_an_include_in_a_comment_does_not_count(self):
        self.assertEqual(self.problems({"gateway/base/a.h": '// #include "app/cli.h"\n/*\n#include <uv.h>\n*/\n'}), [])

    def test_a_cycle_inside_a_room_is_refused(self):
        found = self.problems({
            "gateway/http/head.h": '#include "http/target.h"\n',
            "gateway/http/target.h": '#include "http/headers.h"\n',
            "gateway/http/headers.h": '#include "http/head.h"\n',
        })
        self.assertEqual(len(found), 1, found)
        self.assertIn("includes itself", found[0])


if __name__ == "__main__":
    unittest.main()
