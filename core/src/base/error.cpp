#include <lamina/base/error.hpp>

namespace lamina {

Error::~Error() = default;
int Error::exit_code() const { return 1; }

ConfigError::~ConfigError() = default;
int ConfigError::exit_code() const { return 2; }

PluginError::~PluginError() = default;
int PluginError::exit_code() const { return 2; }

DataError::~DataError() = default;
int DataError::exit_code() const { return 2; }

StorageError::~StorageError() = default;

Interrupted::~Interrupted() = default;
int Interrupted::exit_code() const { return 130; }

}  // namespace lamina
