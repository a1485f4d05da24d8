/*
 * texts: the addresses of texts, turned into numbers that pack to less, and back.
 *
 * The compiler lays texts out in the order in which the program first names them.  So the address
 * that code or a table names next is mostly the end of the text that was named before, or not far
 * behind it.  How far, said from an address that nobody names on, looks the same each time.
 *
 * Both ways are one walk, in which such an address and such a number change places.
 * Freestanding, for data that the build itself made: what it finds is believed.
 */
#ifndef LETTERBOX_START_TEXTS_H
#define LETTERBOX_START_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "start/image.h"

/*
 * Turns the addresses in the COUNT constants of the code (SPLIT_IMM32), then those in the tables
 * that lie before the texts, in DATA: the image without its code.  BACK is the way back.
 * Returns how many were near the text before them; the better IMAGE->texts, the more.
 */
unsigned texts_turn(const struct image *image, uint8_t *constants, uint64_t count, uint8_t *data,
		    bool back);

#endif
