// What nearly every test needs beside precompiled.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
