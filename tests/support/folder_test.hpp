// A test with a folder of its own.
#pragma once

#include "temporary_folder.hpp"

#include <gtest/gtest.h>

namespace lamina::testing {

/// `folder` goes away with the test.
class FolderTest : public ::testing::Test {
 private:
  TemporaryFolder place_;

 protected:
  const std::filesystem::path folder = place_.path();
};

}  // namespace lamina::testing
