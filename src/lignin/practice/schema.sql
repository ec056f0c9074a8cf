CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE,
    street TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL, tier TEXT NOT NULL
);
CREATE TABLE products (
    sku TEXT PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL,
    unit_price_cents INTEGER NOT NULL, pack_size INTEGER NOT NULL
);
CREATE TABLE stock (
    sku TEXT PRIMARY KEY REFERENCES products, on_hand INTEGER NOT NULL CHECK (on_hand >= 0),
    reorder_level INTEGER NOT NULL, incoming INTEGER NOT NULL
);
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers,
    status TEXT NOT NULL CHECK (status IN ('pending', 'shipped', 'delivered', 'cancelled')),
    placed_on TEXT NOT NULL, promised_on TEXT NOT NULL, payment_method TEXT NOT NULL,
    street TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL,
    discount_percent INTEGER NOT NULL, cancel_reason TEXT NOT NULL
);
CREATE TABLE order_lines (
    order_id TEXT NOT NULL REFERENCES orders, line INTEGER NOT NULL,
    sku TEXT NOT NULL REFERENCES products, quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_price_cents INTEGER NOT NULL, PRIMARY KEY (order_id, line)
);
CREATE TABLE payments (
    payment_id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders, kind TEXT NOT NULL,
    method TEXT NOT NULL, amount_cents INTEGER NOT NULL, paid_on TEXT NOT NULL
);
CREATE TABLE shipments (
    shipment_id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders, carrier TEXT NOT NULL,
    shipped_on TEXT NOT NULL, delivered_on TEXT NOT NULL
);
CREATE TABLE notes (
    note_id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders, text TEXT NOT NULL,
    written_on TEXT NOT NULL
);
CREATE TABLE confirmations (
    customer_id TEXT PRIMARY KEY REFERENCES customers, confirmed_on TEXT NOT NULL
);
CREATE TABLE transfers (
    transfer_id TEXT PRIMARY KEY, reason TEXT NOT NULL, transferred_on TEXT NOT NULL
);
