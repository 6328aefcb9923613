//! Texts of payment links and of orders by hand in the console.

use super::catalogue::catalogue;

catalogue! {
    payment_links: "收款链接", "Payment links";
    payment_links_text: "一个二维码，微信和支付宝都能扫。付款人点击支付时才生成订单；设有库存时，库存随订单预留。",
        "One code for WeChat and Alipay. An order opens when a payer presses; a stock is reserved with the order.";
    link_make: "新建收款链接", "New payment link";
    link_amount_hint: "金额（元，留空则由付款人填写）", "Amount (yuan; empty: the payer enters it)";
    link_stock_hint: "库存（份，留空则不限）", "Stock (empty: unlimited)";
    link_expires_hint: "有效期至（留空则长期有效）", "Valid until (empty: no end)";
    link_open_amount: "付款人填写", "Entered by the payer";
    link_paid: "已支付", "Paid";
    link_being_paid: "支付中", "Being paid";
    link_left: "剩余", "Left";
    link_open: "收款中", "Open";
    link_sold_out: "已售罄", "Sold out";
    link_reserved: "名额已占满", "All reserved";
    link_expired: "已过期", "Expired";
    link_closed: "已结束", "Closed";
    link_orders: "该链接的订单", "Orders of this link";
    link_address: "链接与二维码", "Link and code";
    link_copy: "复制此链接发给付款人", "Copy this link and send it";
    link_code: "收款二维码", "Code of the payment link";
    link_plate: "打印收款码", "Printable plate";
    link_end: "结束收款", "Close the link";
    link_close: "结束收款", "Close the link";
    link_close_text: "结束后不能再打开新订单，且无法恢复；已打开的订单在时限内仍可支付。",
        "No order opens any more, and this cannot be undone. Orders that are open can still be paid within their time.";
    plate_scan: "微信 / 支付宝 扫码支付", "Scan with WeChat or Alipay to pay";
    plate_hint: "用浏览器打印本页，只会打印收款码。", "Print this page with your browser: only the plate is printed.";
    order_make: "新建订单", "New order";
    order_make_text: "手工创建一个订单，创建后在订单页复制支付链接发给顾客。", "Make an order by hand; its page has the checkout link to send.";
    order_for: "顾客", "Customer";
    order_minutes: "支付时限（分钟，留空则用默认值）", "Minutes to pay (empty: the default)";
    checkout_link: "支付链接", "Checkout link";
    order_close: "关闭订单", "Close the order";
    order_close_text: "关闭后顾客不能再支付这笔 {amount} 的订单，且无法恢复。如果款项已在途，将按设置自动原路退回或入账。",
        "The customer can no longer pay this order over {amount}, and this cannot be undone. Money that is already on its way is refunded or accepted, as the settings say.";
}
