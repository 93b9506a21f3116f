// The headers that nearly every test needs besides precompiled.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
