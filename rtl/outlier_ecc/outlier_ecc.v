// Corrects a page of signed values as it streams out of the flash array (Cambricon-LLM's error unit): bitwise majority
// of three for the PROTECTED largest values, whose addresses and two more copies are in the spare area; an unprotected
// value above the page's threshold reads as zero.
// For each page: threshold_data_i = nine copies of the threshold's magnitude; entry_data_i = {copy, copy, Hamming check
// bits, address}, PROTECTED of them in order of address; page_data_i = LANES values, the first in the low bits.
// An entry behind the current beat is dropped, one ahead waits; what is left at the end of the page is dropped.
// A page takes 1 + VALUES / LANES + PROTECTED cycles, its results follow a cycle later; with sound addresses P pages
// take P (1 + VALUES / LANES + PROTECTED) + 1 cycles from the first threshold to the last result. Multipliers: 0.
module outlier_ecc #(
    parameter VALUES = 64,      // values a page, a multiple of LANES, 4 to 65536
    parameter PROTECTED = 4,    // protected values a page, 1 to VALUES - 1
    parameter LANES = 4,        // values a beat, 1 to 64
    parameter VALUE_WIDTH = 8   // bits of a signed value, 2 to 16
) (
    input  wire clk_i,
    input  wire rst_i,
    input  wire threshold_valid_i,
    output wire threshold_ready_o,
    input  wire [9*VALUE_WIDTH-1:0] threshold_data_i,
    input  wire entry_valid_i,
    output wire entry_ready_o,
    input  wire [2*VALUE_WIDTH + $clog2(VALUES) + (($clog2(VALUES) <= 4) ? 3 : ($clog2(VALUES) <= 11) ? 4 : 5) - 1:0]
        entry_data_i,
    input  wire page_valid_i,
    output wire page_ready_o,
    input  wire [LANES*VALUE_WIDTH-1:0] page_data_i,
    output wire y_valid_o,
    input  wire y_ready_i,
    output wire [LANES*VALUE_WIDTH-1:0] y_data_o
);
    localparam ADDRESS_WIDTH = $clog2(VALUES);
    localparam CHECK = (ADDRESS_WIDTH <= 4) ? 3 : (ADDRESS_WIDTH <= 11) ? 4 : 5;
    localparam COPIES_AT = ADDRESS_WIDTH + CHECK;
    localparam BASE_WIDTH = ADDRESS_WIDTH + 2;
    localparam LEFT_WIDTH = $clog2(PROTECTED+1);
    localparam [BASE_WIDTH-1:0] STEP = LANES[BASE_WIDTH-1:0];
    localparam [BASE_WIDTH-1:0] END = VALUES[BASE_WIDTH-1:0];
    localparam [LEFT_WIDTH-1:0] ALL = PROTECTED[LEFT_WIDTH-1:0];
    localparam [LEFT_WIDTH-1:0] ONE = 1;
    localparam [1:0] HEADER = 2'd0;
    localparam [1:0] PAGE = 2'd1;
    localparam [1:0] DRAIN = 2'd2;

    reg  [1:0] state;
    reg  [BASE_WIDTH-1:0] base;
    reg  [LEFT_WIDTH-1:0] left;
    reg  [VALUE_WIDTH-1:0] threshold;
    reg  [LANES-1:0] patched;
    reg  [LANES*2*VALUE_WIDTH-1:0] copies;
    reg  y_valid;
    reg  [LANES*VALUE_WIDTH-1:0] y_data;

    wire [VALUE_WIDTH-1:0] voted_threshold;
    wire [ADDRESS_WIDTH-1:0] short_address;
    wire [BASE_WIDTH-1:0] address;
    wire [BASE_WIDTH-1:0] next_base;
    wire [LANES*VALUE_WIDTH-1:0] corrected;
    wire [LANES-1:0] hit;
    wire pending;
    wire ahead;
    wire passing;
    wire advance;
    wire take_header;
    wire take_entry;
    wire take_page;
    integer index;

    bit_majority #(
        .COPIES(9), .WIDTH(VALUE_WIDTH)
    ) vote (
        .words_i(threshold_data_i),
        .word_o(voted_threshold)
    );
    hamming_decode #(
        .DATA(ADDRESS_WIDTH), .CHECK(CHECK)
    ) decode (
        .data_i(entry_data_i[0 +: ADDRESS_WIDTH]),
        .check_i(entry_data_i[ADDRESS_WIDTH +: CHECK]),
        .data_o(short_address)
    );
    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : g_lane
            localparam [BASE_WIDTH-1:0] PLACE = lane;
            assign hit[lane] = address == base + PLACE;
            protect_lane #(
                .VALUE_WIDTH(VALUE_WIDTH)
            ) protect (
                .value_i(page_data_i[lane*VALUE_WIDTH +: VALUE_WIDTH]),
                .patched_i(patched[lane]),
                .copies_i(copies[lane*2*VALUE_WIDTH +: 2*VALUE_WIDTH]),
                .threshold_i(threshold),
                .value_o(corrected[lane*VALUE_WIDTH +: VALUE_WIDTH])
            );
        end
    endgenerate

    assign address = {2'b00, short_address};
    assign next_base = base + STEP;
    assign pending = left != {LEFT_WIDTH{1'b0}};
    assign ahead = address >= next_base;
    assign advance = !y_valid || y_ready_i;
    assign passing = state == PAGE && (!pending || (entry_valid_i && ahead));
    assign take_header = state == HEADER && threshold_valid_i;
    assign take_entry = entry_valid_i && ((state == PAGE && pending && !ahead) || state == DRAIN);
    assign take_page = page_valid_i && passing && advance;
    assign threshold_ready_o = state == HEADER;
    assign entry_ready_o = take_entry;
    assign page_ready_o = passing && advance;
    assign y_valid_o = y_valid;
    assign y_data_o = y_data;

    always @(posedge clk_i) begin
        if (rst_i) begin
            state <= HEADER;
            y_valid <= 1'b0;
            patched <= {LANES{1'b0}};
        end else begin
            case (state)
                HEADER: if (take_header) state <= PAGE;
                PAGE: if (take_page && next_base == END) state <= pending ? DRAIN : HEADER;
                default: if (take_entry && left == ONE) state <= HEADER;
            endcase
            if (take_page) y_valid <= 1'b1;
            else if (y_ready_i) y_valid <= 1'b0;
            if (take_page) patched <= {LANES{1'b0}};
            else if (take_entry && state == PAGE) patched <= patched | hit;
        end
        if (take_header) begin
            threshold <= voted_threshold;
            base <= {BASE_WIDTH{1'b0}};
            left <= ALL;
        end
        if (take_page) begin
            base <= next_base;
            y_data <= corrected;
        end
        if (take_entry) begin
            left <= left - ONE;
            for (index = 0; index < LANES; index = index + 1)
                if (hit[index])
                    copies[index*2*VALUE_WIDTH +: 2*VALUE_WIDTH] <= entry_data_i[COPIES_AT +: 2*VALUE_WIDTH];
        end
    end

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (VALUES < 4 || VALUES > 65536 || VALUES % LANES != 0) begin : g_refuse_values
            VALUES_must_be_4_to_65536_and_a_multiple_of_LANES parameter_error ();
        end
        if (PROTECTED < 1 || PROTECTED >= VALUES) begin : g_refuse_protected
            PROTECTED_must_be_1_to_VALUES_minus_1 parameter_error ();
        end
        if (LANES < 1 || LANES > 64) begin : g_refuse_lanes
            LANES_must_be_1_to_64 parameter_error ();
        end
        if (VALUE_WIDTH < 2 || VALUE_WIDTH > 16) begin : g_refuse_value_width
            VALUE_WIDTH_must_be_2_to_16 parameter_error ();
        end
    endgenerate
endmodule
