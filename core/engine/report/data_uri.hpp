// Files inside the page.
#pragma once

#include <string>

namespace lamina::engine {

/// "data:image/png;base64,..."; `type` is a MIME type.
std::string data_uri(const std::string& type, const std::string& bytes);

}  // namespace lamina::engine
