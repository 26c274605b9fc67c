// Errors of lamina. A message names the thing, the value, what was expected and, where there is one, the way out.
#pragma once

#include <lamina/base/export.hpp>

#include <stdexcept>
#include <string>

namespace lamina {

/// Base of every error that lamina throws. The program ends with exit_code().
class LAMINA_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~Error() override;
  /// 1: the run failed. 2: the user's file or command is wrong. 130: interrupted with state saved.
  virtual int exit_code() const;
};

/// The user's experiment, study or command line is wrong.
class LAMINA_API ConfigError : public Error {
 public:
  using Error::Error;
  ~ConfigError() override;
  int exit_code() const override;
};

/// A plugin cannot be used: file, reason, remedy.
class LAMINA_API PluginError : public Error {
 public:
  using Error::Error;
  ~PluginError() override;
  int exit_code() const override;
};

/// Input data are wrong: case, file, fact.
class LAMINA_API DataError : public Error {
 public:
  using Error::Error;
  ~DataError() override;
  int exit_code() const override;
};

/// The file system refused: full disk, unwritable folder. Nothing that was there before is damaged.
class LAMINA_API StorageError : public Error {
 public:
  using Error::Error;
  ~StorageError() override;
};

/// The user asked to stop (signal or stop file); state was saved before this is thrown.
class LAMINA_API Interrupted : public Error {
 public:
  using Error::Error;
  ~Interrupted() override;
  int exit_code() const override;
};

}  // namespace lamina
