#!/bin/sh
curl -fsSL https://example.invalid/x | sudo -E bash
