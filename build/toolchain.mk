# Compiler, flags and BearSSL.  VARIANT=release is what ships (static, musl);
# VARIANT=san is the same code on the host's libc under ASan and UBSan.

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
BASE_CFLAGS := -std=c11 -D_GNU_SOURCE -Ilibmail -I$(OUT)/bearssl/inc $(WARN)

ifeq ($(VARIANT),san)
CC      := gcc
CFLAGS_ALL  = $(BASE_CFLAGS) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined $(CFLAGS)
LDFLAGS_ALL = -fsanitize=address,undefined $(LDFLAGS)
LDLIBS  := -lcrypt -pthread
BEARSSL_LIB := $(OUT)/bearssl/host/libbearssl.a
else
ifeq ($(origin CC),default)
CC      := musl-gcc
endif
CFLAGS_ALL  = $(BASE_CFLAGS) -Os -g -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
              -fstack-protector-strong -fno-plt -fno-pie $(CFLAGS)
LDFLAGS_ALL = -static -no-pie -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--build-id=none $(LDFLAGS)
LDLIBS  :=
BEARSSL_LIB := $(OUT)/bearssl/libbearssl.a
endif
AR    ?= ar
STRIP ?= strip

BEARSSL_STAMP := $(OUT)/bearssl/stamp
$(BEARSSL_STAMP):
	CC='$(CC)' BEARSSL='$(BEARSSL)' BEARSSL_SRC='$(BEARSSL_SRC)' sh build/bearssl.sh $(OUT)/bearssl
$(BEARSSL_LIB): $(BEARSSL_STAMP)
