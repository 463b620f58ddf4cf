"""学伴 (xueban): rules, use cases, platforms, storage and entry points."""
